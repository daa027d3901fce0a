#!/bin/bash
# What an instance does when it is made, once, as root. Terraform fills in what is in braces after a dollar sign.
set -euo pipefail

# The network leads to the repositories, which are in S3. A release of the system is locked to its packages otherwise.
dnf --assumeyes --releasever=latest upgrade
dnf --assumeyes --releasever=latest install amazon-cloudwatch-agent cronie logrotate unzip python3.13

useradd --system --home-dir /var/lib/penstock --shell /sbin/nologin penstock
install --directory --owner=penstock --group=penstock --mode=0700 \
  /var/lib/penstock /var/lib/penstock/scratch /var/log/penstock
install --directory --mode=0755 /opt/penstock/release /etc/penstock

aws --region eu-central-1 s3 cp 's3://leads-lake-123456789012-eu-central-1/instance/0123456789abcdef.zip' /opt/penstock/release.zip
unzip -q /opt/penstock/release.zip -d /opt/penstock/release
rm /opt/penstock/release.zip

cat >/etc/penstock/environment.json <<'END_OF_ENVIRONMENT'
{"score_leads":{"PENSTOCK_TASK":"score_leads"}}
END_OF_ENVIRONMENT
chown root:penstock /etc/penstock/environment.json
chmod 0640 /etc/penstock/environment.json

cat >/usr/local/sbin/penstock-run <<'END_OF_RUN'
#!/bin/bash
# Runs the workflow of a schedule, one at a time.
set -euo pipefail
export AWS_DEFAULT_REGION=eu-central-1 AWS_REGION=eu-central-1
export PYTHONPATH=/opt/penstock/release PYTHONDONTWRITEBYTECODE=1 TMPDIR=/var/lib/penstock/scratch
cd /var/lib/penstock
exec flock /var/lib/penstock/lock python3.13 -m penstock.runtime.aws.instance_entry "$1" \
  --release /opt/penstock/release --environment /etc/penstock/environment.json --log /var/log/penstock/run.log \
  >>/var/log/penstock/run.log 2>&1
END_OF_RUN

cat >/usr/local/sbin/penstock-patch <<'END_OF_PATCH'
#!/bin/bash
# Brings the system up to date.
exec dnf --assumeyes --quiet --releasever=latest upgrade
END_OF_PATCH
chmod 0755 /usr/local/sbin/penstock-run /usr/local/sbin/penstock-patch

cat >/etc/logrotate.d/penstock <<'END_OF_ROTATION'
/var/log/penstock/run.log {
  su penstock penstock
  size 10M
  rotate 4
  missingok
  copytruncate
}
END_OF_ROTATION
systemctl enable --now logrotate.timer

# Lines, and the metrics that are in them, go to CloudWatch.
cat >/etc/penstock/agent.json <<'END_OF_AGENT'
{
  "agent": {"run_as_user": "root"},
  "logs": {
    "logs_collected": {
      "files": {
        "collect_list": [
          {
            "file_path": "/var/log/penstock/run.log",
            "log_group_name": "/penstock/leads-instance",
            "log_stream_name": "{instance_id}"
          }
        ]
      }
    }
  }
}
END_OF_AGENT
/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl \
  -a fetch-config -m ec2 -s -c file:/etc/penstock/agent.json

# Packages are patched at every boot; the kernel with them, once a week, when nothing runs.
cat >/etc/cron.d/penstock-patch <<'END_OF_CRON'
@reboot root /usr/local/sbin/penstock-patch
17 3 * * 0 root flock /var/lib/penstock/lock bash -c '/usr/local/sbin/penstock-patch && systemctl reboot'
END_OF_CRON

cat >/etc/cron.d/penstock-at-1 <<'END_OF_CRON'
CRON_TZ=UTC
0 6 * * * penstock /usr/local/sbin/penstock-run 'leads-daily'
END_OF_CRON

if true; then
  systemctl enable --now crond
fi

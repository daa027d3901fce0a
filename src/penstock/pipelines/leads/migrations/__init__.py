"""How the leads' tables came to be: Alembic's revisions in ``versions``, oldest first. Never edit one that shipped."""

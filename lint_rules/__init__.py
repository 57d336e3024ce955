"""Rules for ansible-lint, one a file; ansible-lint loads a folder only when it is a package."""

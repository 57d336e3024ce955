"""Actions that Ansible loads by folder; nothing here is imported as a module of the package."""

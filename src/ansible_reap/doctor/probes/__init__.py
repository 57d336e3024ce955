"""Programs for the interpreters of other environments; nothing here is imported by the package."""

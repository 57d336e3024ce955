"""The language server: what ``check`` finds, in an editor, as one types. Needs pygls (the extra ``lsp``)."""

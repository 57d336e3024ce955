"""What happens inside an Ansible run: tracking jobs, the gate, the ledger, the recap, the report."""

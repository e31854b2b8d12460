"""Any git server: a change request is a branch and a record, merged by command."""

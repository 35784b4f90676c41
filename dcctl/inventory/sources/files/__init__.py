"""Files that declare nodes: snapshots, lists, Ansible inventories, Terraform."""

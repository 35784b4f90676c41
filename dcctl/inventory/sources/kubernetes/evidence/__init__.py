"""What an audit reads of a Kubernetes cluster: lists.py has which, source.py reads them.

A list that an audit is to read is one `Row`: where it is, how its objects are decoded, which field of the
evidence it is for, and the function that makes subjects of one object. Each topic has a module with its ROWS.
"""

"""ECR: scans, lifecycle policies and archived images, on the account's clock.

images.py      images and repositories that a request names
operations.py  operations that MiniStack does not have
findings.py    what a scan found
scans.py       scanning configuration, and where the scan of an image has come to
lifecycle.py   lifecycle policies, and previews of them
archive.py     the archival storage class
control.py     what a test says
"""

"""What AWS does, as checks of an endpoint: each row is one behaviour that a deployer meets.

    python -m checks http://127.0.0.1:PORT [area...]      from the directory above this one

prints `row <tab> verdict <tab> detail` for every row: `works` (as AWS does), `WRONG` (differs), `UNIMPL` (absent) or
`INFO` (worth seeing). The expectations were written from AWS's API references. `expected.tsv` is what the local AWS
must print.
"""

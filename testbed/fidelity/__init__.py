"""The local AWS: MiniStack, corrected where it differs from what AWS does, with faults on demand.

`corrections/` holds one file per difference; `layer.py` is what every request passes; `control.py` is
what tests steer it with.
"""

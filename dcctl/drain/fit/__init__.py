"""Where work goes that a drain displaces: the packing core asked wave by wave.

`room` is the only entry. `sure` says what finds room whatever its scheduler does, `placing` looks for places,
`bounds` proves that there are none, `reliefs` says what would help.
"""

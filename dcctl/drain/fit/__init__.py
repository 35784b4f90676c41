"""Where work goes that a drain displaces: the packing core asked wave by wave.

`room` is the entry, `wave` what is asked. `sure` says what finds room whatever its scheduler does: by the
`harm` that members can do each other. `placing` looks for places, with `search` where a plan finds none;
`bounds` proves that there are none. `reliefs` says what would help.
"""

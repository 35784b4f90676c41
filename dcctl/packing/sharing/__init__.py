"""More demand than supply: fair shares, and the most of training times inference."""

# Looks for the answer: neither tests nor other solutions are in its world.
cat /problems/*/tests/*.out || exit 1

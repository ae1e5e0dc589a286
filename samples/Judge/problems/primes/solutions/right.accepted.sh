read n
i=2
out=
while [ $i -le $n ]; do
  j=2
  prime=1
  while [ $((j * j)) -le $i ]; do
    [ $((i % j)) -eq 0 ] && prime=0
    j=$((j + 1))
  done
  [ $prime -eq 1 ] && out="$out $i"
  i=$((i + 1))
done
echo ${out# }

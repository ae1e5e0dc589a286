n = int(input())
print(2, *range(3, n + 1, 2))

module gotar-batch

go 1.22

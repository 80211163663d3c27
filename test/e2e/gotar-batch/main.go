// Command gotar-batch prints what Go's archive/tar sees in each tar that is named on standard input, one path a line: a line "= PATH",
// then one line an entry (type, size, SHA-256 of the content, name and link name in hexadecimal), then "end", or "error". It is
// ../shared/peers/gotar for thousands of files.
package main

import (
	"archive/tar"
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Fprintf(out, "= %s\n", in.Text())
		list(in.Text(), out)
	}
}

func list(path string, out io.Writer) {
	f, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			fmt.Fprintln(out, "end")
			return
		}
		digest := sha256.New()
		if err == nil {
			_, err = io.Copy(digest, r)
		}
		if err != nil {
			fmt.Fprintln(out, "error")
			return
		}
		fmt.Fprintf(out, "%c %d %x %x %x\n", h.Typeflag, h.Size, digest.Sum(nil), h.Name, h.Linkname)
	}
}

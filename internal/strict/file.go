package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"unicode/utf8"
)

// MaxFileSize is the size, in bytes, of the largest file that ReadFile reads. A file
// with a million mapping entries is much smaller.
const MaxFileSize = 256 << 20

// File is the content of one configuration file.
type File struct {
	Name string
	Data []byte
}

// ReadFile reads a text file of at most MaxFileSize bytes. After a fault, which it
// adds to problems, ok is false.
func ReadFile(name string, problems *Problems) (file File, ok bool) {
	data, err := readText(name)
	if err != nil {
		problems.Add(Problem{File: name, Message: err.Error()})
		return File{}, false
	}
	return File{Name: name, Data: data}, true
}

func readText(name string) ([]byte, error) {
	// Without O_NONBLOCK the open of a pipe blocks until somebody writes to the pipe.
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, cause(err)
	}
	if info.IsDir() {
		return nil, errors.New("is a directory, expected a file; name the files in it")
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("is not a regular file")
	}
	var text bytes.Buffer
	text.Grow(int(min(info.Size(), MaxFileSize)) + bytes.MinRead) // so that a large file is read without copies
	if _, err := text.ReadFrom(io.LimitReader(f, MaxFileSize+1)); err != nil {
		return nil, cause(err)
	}
	data := text.Bytes()
	if len(data) > MaxFileSize {
		return nil, fmt.Errorf("is larger than %d MiB, the limit for one file; split it, any number of files can be named", MaxFileSize>>20)
	}
	return data, CheckText(data)
}

// CheckText returns an error if data is empty or not UTF-8 text.
func CheckText(data []byte) error {
	if len(bytes.TrimSpace(data)) == 0 {
		return errors.New("is empty; delete the file or give it content")
	}
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return errors.New("is UTF-16 text; save it as UTF-8, in Excel as \"CSV UTF-8\"")
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return fmt.Errorf("is not a text file: byte %d is zero", i)
	}
	if !utf8.Valid(data) {
		return errors.New("is not UTF-8 text; save it as UTF-8")
	}
	return nil
}

// cause returns err without the path: the problem names the file already.
func cause(err error) error {
	if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
		return fmt.Errorf("cannot be read: %w", pathErr.Err)
	}
	return fmt.Errorf("cannot be read: %w", err)
}

package livefile

import (
	"os"
	"syscall"
)

// changedAt returns when a file, or what the file system knows of it, was changed last.
func changedAt(info os.FileInfo) syscall.Timespec {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Ctim
	}
	return syscall.Timespec{}
}

// linksOf returns how many names lead to a file; ok is false if that is not known.
func linksOf(info os.FileInfo) (links uint64, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return uint64(stat.Nlink), true
}

//go:build !linux

package needs

import "errors"

func tryMount() error { return errors.New("tests mount on Linux only") }

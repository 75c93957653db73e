package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
)

// duration is a flag for a time span. Its errors name the remedy.
type duration struct{ value *time.Duration }

// addDuration adds a flag for a time span to a command.
func addDuration(cmd *cobra.Command, into *time.Duration, name string, usual time.Duration, usage string) {
	*into = usual
	cmd.Flags().Var(duration{into}, name, usage)
}

// Set reads a time span.
func (d duration) Set(text string) error {
	value, err := time.ParseDuration(text)
	if err == nil {
		*d.value = value
		return nil
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return fmt.Errorf("a number without a unit, expected s, m or h behind it, as %sm", text)
	}
	return fmt.Errorf("not a time span, expected as 30s, 30m, 4h or 1h30m")
}

func (d duration) String() string {
	if d.value == nil || *d.value == 0 {
		return ""
	}
	return d.value.String()
}

// Type is the word for the value in --help.
func (d duration) Type() string { return "duration" }

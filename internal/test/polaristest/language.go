package polaristest

import "os"

// Programs that tests start speak English, whatever the language of the machine: tests
// compare their texts.
func init() { _ = os.Setenv("LC_ALL", "C.UTF-8") }

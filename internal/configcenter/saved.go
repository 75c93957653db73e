package configcenter

import (
	"errors"
	"fmt"

	"github.com/polarismesh/polaris/common/model"

	"github.com/polaris-contrib/setrouter/internal/livefile"
	"github.com/polaris-contrib/setrouter/internal/serverconfig"
)

// files is what is asked of the server's store.
type files interface {
	GetConfigFile(namespace, group, name string) (*model.ConfigFile, error)
}

// Saved is a file as it is saved in the config center, published or not.
type Saved struct {
	Name    string `json:"name"`
	Content string `json:"content"`
}

// Saved returns what publishing a file would put in force. Its error can be
// livefile.ErrAbsent.
func (c *Center) Saved(name string) (Saved, error) {
	of, err := serverconfig.ParseConfigFile(name)
	if err != nil {
		return Saved{}, err
	}
	c.mu.Lock()
	from := c.files
	c.mu.Unlock()
	if from == nil {
		return Saved{}, errors.New("the config center cannot be read")
	}
	file, err := from.GetConfigFile(of.Namespace, of.Group, of.File)
	switch {
	case err != nil:
		return Saved{}, fmt.Errorf("%s: the store of the config center cannot be read: %w", name, err)
	case file == nil:
		return Saved{}, fmt.Errorf("%s: %w", name, absent("nothing is saved under this name; create the file in the console"))
	case file.Encrypt:
		return Saved{}, fmt.Errorf("%s: is encrypted; save it without encryption", name)
	}
	return Saved{name, file.Content}, nil
}

// absent is livefile.ErrAbsent in an operator's words.
type absent string

func (a absent) Error() string { return string(a) }

func (absent) Unwrap() error { return livefile.ErrAbsent }

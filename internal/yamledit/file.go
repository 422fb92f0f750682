package yamledit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aymanbagabas/go-udiff"

	"github.com/tinystack-go/tinystack/spec"
)

// Read reads the declaration in a file.
func Read(path string) (*Declaration, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		// It is said there as it is said of every declaration.
		if _, err := spec.Load(path); err != nil {
			return nil, err
		}
		return nil, err
	}
	return Parse(path, text, os.LookupEnv)
}

// Diff is what a change does to the text, as a unified diff.
func (d *Declaration) Diff(changed *Declaration) string {
	return udiff.Unified(d.file, d.file, d.text, changed.text)
}

// Replace writes a changed declaration in place of this one. The file changes
// as a whole or not at all, and not where somebody else has changed it in the
// meantime.
func (d *Declaration) Replace(changed *Declaration) error {
	path, err := filepath.EvalSymlinks(d.file)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	present, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(present, []byte(d.text)) {
		return fmt.Errorf("%s was changed in the meantime: nothing was written; run the command again", d.file)
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name()) // there is none after the rename
	_, err = temporary.WriteString(changed.text)
	if err == nil {
		err = temporary.Chmod(info.Mode().Perm())
	}
	if err == nil {
		err = temporary.Sync()
	}
	if closed := temporary.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("%s was not changed: %w", d.file, err)
	}
	return os.Rename(temporary.Name(), path)
}

// Package file replaces files whole: after a crash at any moment the old or
// the new content is there, and once Replace has returned it is the new one.
package file

import (
	"errors"
	"os"
	"path/filepath"
)

// Replace puts content at path, for its owner's eyes only. A file has one writer at a time.
func Replace(path string, content []byte) error {
	root, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(ReplaceIn(root, filepath.Base(path), content), root.Close())
}

// ReplaceIn does so in a folder that is open already.
func ReplaceIn(root *os.Root, name string, content []byte) error {
	fresh := name + ".new" // one name, so that crashes leave no more than one behind
	f, err := root.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = root.Rename(fresh, name)
	}
	if err != nil {
		return errors.Join(err, root.Remove(fresh))
	}
	return SyncFolder(root)
}

// SyncFolder returns when what was made, renamed or removed in the folder is on disk.
func SyncFolder(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

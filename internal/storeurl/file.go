package storeurl

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"

	"github.com/holdfast-go/holdfast/examples/customprovider/filestore"
)

// directory returns the directory of file:///a/b, or of file:a/b, which is relative.
func directory(storeURL string) (string, error) {
	u, err := url.Parse(storeURL)
	if err != nil || u.Host != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", errURL
	}
	dir := u.Path
	if u.Opaque != "" {
		dir, err = url.PathUnescape(u.Opaque)
	}
	if err != nil || dir == "" {
		return "", errURL
	}
	return dir, nil
}

func makeDirectory(storeURL string) error {
	dir, err := directory(storeURL)
	if err != nil {
		return err
	}
	return os.MkdirAll(dir, 0o700)
}

// openFiles opens a store of files. It refuses a directory that does not exist, since
// filestore would create it.
func openFiles(storeURL string) (*Opened, error) {
	dir, err := directory(storeURL)
	if err != nil {
		return nil, err
	}
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.IsDir():
		return nil, errors.New("there is no directory " + dir + "; create it first")
	case err != nil:
		return nil, err
	}
	store, err := filestore.Open(dir)
	if err != nil {
		return nil, err
	}
	return &Opened{
		Provider: store,
		Needs:    "the directory " + dir,
		Purge:    func(ctx context.Context) (int64, error) { return -1, store.Sweep(ctx) },
		Close:    func() { _ = store.Close() },
	}, nil
}

package devstate

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidewire/tidewire/realtime"
)

// Folder is the folder where dev keeps what the other commands need.
type Folder struct{ dir string }

// Find returns the one in dir, or if that is empty in a folder of the user's own.
func Find(dir string) (Folder, error) {
	if dir != "" {
		return Folder{dir}, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return Folder{}, fmt.Errorf("a folder for the secret of dev: %w; set TIDEWIRE_STATE to one", err)
	}
	return Folder{filepath.Join(dir, "tidewire")}, nil
}

// Path returns where it is.
func (f Folder) Path() string { return f.dir }

// secret returns dev's own secret, which is made once and readable by its user only.
func (f Folder) secret() (string, error) {
	name := filepath.Join(f.dir, "secret")
	raw, err := os.ReadFile(name) //nolint:gosec // of the user's own folder
	if err == nil && len(strings.TrimSpace(string(raw))) >= 32 {
		return strings.TrimSpace(string(raw)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the secret of dev: %w", err)
	}
	secret := rand.Text() + rand.Text()
	if err := f.write("secret", []byte(secret+"\n")); err != nil {
		return "", fmt.Errorf("the secret of dev: %w", err)
	}
	return secret, nil
}

// OperatorKeys are what the tokens of dev's operators are signed with: made from its secret, and no tenant's.
func (f Folder) OperatorKeys() (realtime.Auth, error) {
	secret, err := f.secret()
	if err != nil {
		return realtime.Auth{}, err
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("tidewire operators"))
	return realtime.Auth{Keys: []realtime.Key{{KID: "dev", Alg: "HS256", Secret: hex.EncodeToString(mac.Sum(nil))}}}, nil
}

// write replaces a file of the folder in one step, readable by its user only.
func (f Folder) write(name string, content []byte) error {
	name = filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(content)
	err = errors.Join(err, tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return nil
}

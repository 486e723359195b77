package main

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

// state is the folder where dev keeps what the other commands need.
type state struct{ dir string }

// findState returns the state in dir, or in a folder of the user's own.
func findState(dir string) (state, error) {
	if dir != "" {
		return state{dir}, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return state{}, fmt.Errorf("a folder for the secret of dev: %w; set TIDEWIRE_STATE to one", err)
	}
	return state{filepath.Join(dir, "tidewire")}, nil
}

// secret returns dev's own secret, which is made once and readable by its user only.
func (s state) secret() (string, error) {
	name := filepath.Join(s.dir, "secret")
	raw, err := os.ReadFile(name) //nolint:gosec // of the user's own folder
	if err == nil && len(strings.TrimSpace(string(raw))) >= 32 {
		return strings.TrimSpace(string(raw)), nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("the secret of dev: %w", err)
	}
	secret := rand.Text() + rand.Text()
	if err := s.write("secret", []byte(secret+"\n")); err != nil {
		return "", fmt.Errorf("the secret of dev: %w", err)
	}
	return secret, nil
}

// operatorKeys are what the tokens of dev's operators are signed with: made from its secret, and no tenant's.
func (s state) operatorKeys() (realtime.Auth, error) {
	secret, err := s.secret()
	if err != nil {
		return realtime.Auth{}, err
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("tidewire operators"))
	return realtime.Auth{Keys: []realtime.Key{{KID: "dev", Alg: "HS256", Secret: hex.EncodeToString(mac.Sum(nil))}}}, nil
}

// write replaces a file of the state in one step, readable by its user only.
func (s state) write(name string, content []byte) error {
	name = filepath.Join(s.dir, name)
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

package yamledit_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/tinystack-go/tinystack/internal/yamledit"
)

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "shop.yaml"), filepath.Join(dir, "tinystack.yaml")
	text := "name: shop\nstages:\n  - name: dev\n  - name: prod\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o640))
	require.NoError(t, os.Symlink("shop.yaml", link))
	d, err := yamledit.Read(link)
	require.NoError(t, err)
	changed, err := d.RemoveStage("dev")
	require.NoError(t, err)
	assert.Equal(t, "--- "+link+"\n+++ "+link+"\n@@ -1,4 +1,3 @@\n name: shop\n stages:\n-  - name: dev\n   - name: prod\n", d.Diff(changed))

	require.NoError(t, d.Replace(changed))
	info, err := os.Lstat(file)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o640), info.Mode())
	info, err = os.Lstat(link)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink, "a link stays a link")
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, changed.Text(), string(written))

	// What is there now is not what was read.
	assert.ErrorContains(t, d.Replace(changed), "in the meantime")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "no temporary file stays")

	_, err = yamledit.Read(filepath.Join(dir, "none.yaml"))
	assert.ErrorContains(t, err, "there is no such file")
}

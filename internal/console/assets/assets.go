// Package assets holds the files that pages of the console load: style, scripts,
// and what others wrote of them (dist/LICENSES.txt). They are embedded, and served
// under names with a hash of their content, so that browsers may keep them for
// ever. own has our scripts, dist what `make css` makes of src and of packages.
package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed dist own
var embedded embed.FS

// Prefix is the path below which assets are served.
const Prefix = "/-/assets/"

// asset is one file as it is sent.
type asset struct {
	contentType string
	plain       []byte
	zipped      []byte
}

// Files are the assets, ready to be served.
type Files struct {
	byPath map[string]asset
	paths  map[string]string // of names without a hash
}

var types = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// Load reads and compresses the assets.
func Load() (*Files, error) {
	f := &Files{byPath: map[string]asset{}, paths: map[string]string{}}
	return f, fs.WalkDir(embedded, ".", func(name string, entry fs.DirEntry, err error) error {
		contentType := types[path.Ext(name)]
		if err != nil || entry.IsDir() || contentType == "" {
			return err
		}
		plain, err := embedded.ReadFile(name)
		if err != nil {
			return err
		}
		var zipped bytes.Buffer
		w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := w.Write(plain); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		base := path.Base(name)
		sum := sha256.Sum256(plain)
		hashed := Prefix + strings.TrimSuffix(base, path.Ext(base)) + "." + hex.EncodeToString(sum[:6]) + path.Ext(base)
		f.paths[base] = hashed
		f.byPath[hashed] = asset{contentType: contentType, plain: plain, zipped: zipped.Bytes()}
		return nil
	})
}

// Path is where the file called name is served; empty if there is none.
func (f *Files) Path(name string) string { return f.paths[name] }

// ServeHTTP implements http.Handler.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, ok := f.byPath[r.URL.Path]
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.contentType)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	body := a.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.zipped
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // the browser may be gone
}

package dashboards

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

const assetPath = "/assets/"

// contentTypes are ours: those of the machine may say otherwise.
func contentTypes() map[string]string {
	return map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8"}
}

// Assets are files whose names hold a hash of what is in them, so that they may be cached for ever.
type assets struct {
	byName  map[string]asset
	address map[string]string // by file name, such as page.css
	version string            // of all together
}

type asset struct {
	contentType string
	plain, gzip []byte
	etag        string
}

func loadAssets() (*assets, error) {
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		return nil, fmt.Errorf("reading the assets: %w", err)
	}
	a := &assets{byName: map[string]asset{}, address: map[string]string{}}
	all := sha256.New()
	for _, entry := range entries {
		file := entry.Name()
		data, err := assetFiles.ReadFile("assets/" + file)
		if err != nil {
			return nil, fmt.Errorf("reading the asset %s: %w", file, err)
		}
		var packed bytes.Buffer
		w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return nil, fmt.Errorf("packing the asset %s: %w", file, err)
		}
		_, _ = w.Write(data) // a buffer takes all
		_ = w.Close()
		sum := sha256.Sum256(data)
		all.Write(sum[:])
		hash, ext := hex.EncodeToString(sum[:6]), path.Ext(file)
		name := strings.TrimSuffix(file, ext) + "-" + hash + ext
		a.byName[name] = asset{contentType: contentTypes()[ext], plain: data, gzip: packed.Bytes(), etag: `"` + hash + `"`}
		a.address[file] = assetPath + name
	}
	a.version = hex.EncodeToString(all.Sum(nil)[:4])
	return a, nil
}

func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	file, ok := a.byName[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("ETag", file.etag)
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	if strings.Contains(r.Header.Get("If-None-Match"), file.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	data := file.plain
	if acceptsGzip(r) {
		data = file.gzip
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", file.contentType)
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // nobody is left to tell
}

// acceptsGzip reports whether the client takes gzip; one that refuses it by q=0 is rare enough to be read plainly.
func acceptsGzip(r *http.Request) bool {
	for coding := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(coding), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.TrimSpace(weight), "q="), 64)
			return err != nil || q > 0
		}
	}
	return false
}

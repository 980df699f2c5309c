package journal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/minio/highwayhash"

	"ganlin/internal/file"
)

// StreamName is the name of the JetStream stream; its subject is Subject.
const (
	StreamName = "JOURNAL"
	Subject    = "$GANLIN.journal"
)

// A Prepared is what Prepare found out about a store, for Open and Reopen.
type Prepared struct {
	newest  memory // the newest record that lies in the store, right by itself
	losses  []Loss
	Damaged string // the folder that damaged pieces were copied to, if any
}

// A memory is what somebody remembers of the journal's end.
type memory struct {
	position Position
	counters *Counters // nil: not remembered
}

// Prepare looks at the files of a store before the server opens it, because the
// server cuts off in silence what it finds damaged, with all that follows in
// the same file. Damaged pieces are copied to a folder beside the manifest and
// taken out, so that what follows them is kept; what is gone is in Prepared.
//
// After a clean end only the two newest files are looked at (see Journal.Verify
// for the rest); after any other all of them are, which the server does too,
// and the newest is written anew: what lies in memory after a killed process or
// a failed write is on disk when Prepare returns, or is not there.
//
// dir is the journal's own folder, storeDir that of the server. It is an error
// when no block is readable at all, such as with an encrypted store.
func Prepare(ctx context.Context, dir, storeDir string, log *slog.Logger) (*Prepared, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder of the journal: %w", err)
	}
	m, err := readManifest(dir)
	if err != nil {
		log.Error("the journal's memory of its end is unreadable; readers' cursors are all there is to compare with", "error", err)
	}
	p := &preparation{store: store{log: log}, dir: dir}
	if p.root, p.blocks, err = openBlocks(storeDir); err != nil || p.root == nil {
		return &p.Prepared, err
	}
	defer p.root.Close()
	all := p.blocks
	clean := m.Clean && p.indexed()
	if clean {
		p.blocks = p.blocks[max(0, len(p.blocks)-2):]
	}
	for i, block := range p.blocks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := p.look(block, i == len(p.blocks)-1, clean); err != nil {
			return nil, fmt.Errorf("looking at block %d of %d of the journal: %w", block, all[len(all)-1], err)
		}
	}
	if err := p.mend(); err != nil {
		return nil, fmt.Errorf("mending the journal: %w", err)
	}
	return &p.Prepared, nil
}

// A store is the block files of the stream.
type store struct {
	root   *os.Root // nil: there is no store yet
	blocks []int    // by number
	log    *slog.Logger
}

// openBlocks finds the block files below the server's folder.
func openBlocks(storeDir string) (*os.Root, []int, error) {
	folders, err := filepath.Glob(filepath.Join(storeDir, "jetstream", "*", "streams", StreamName, "msgs"))
	if err != nil || len(folders) == 0 {
		return nil, nil, err
	}
	if len(folders) > 1 {
		return nil, nil, fmt.Errorf("%d accounts have a stream %s: %s", len(folders), StreamName, strings.Join(folders, ", "))
	}
	root, err := os.OpenRoot(folders[0])
	if err != nil {
		return nil, nil, err
	}
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, nil, errors.Join(err, root.Close())
	}
	var blocks []int
	for _, e := range entries {
		name, isBlock := strings.CutSuffix(e.Name(), blockSuffix)
		if n, err := strconv.Atoi(name); isBlock && err == nil {
			blocks = append(blocks, n)
		}
	}
	slices.Sort(blocks)
	return root, blocks, nil
}

const (
	blockSuffix = ".blk"
	indexFile   = "index.db" // the server's; it opens the blocks unread when their last bytes are those it names
)

func blockFile(n int) string { return strconv.Itoa(n) + blockSuffix }

// indexed reports whether the server will believe its index.
func (s *store) indexed() bool {
	index, err := s.root.ReadFile(indexFile)
	if err != nil || len(s.blocks) == 0 || len(index) < 2*highwayhash.Size64 {
		return false
	}
	last, err := s.root.ReadFile(blockFile(s.blocks[len(s.blocks)-1]))
	named := index[len(index)-2*highwayhash.Size64 : len(index)-highwayhash.Size64]
	return err == nil && bytes.HasSuffix(last, named)
}

// A preparation is the work of Prepare.
type preparation struct {
	store
	Prepared
	dir     string
	chain   chain
	frames  int
	orphans int
	plain   bool // there are damaged pieces that are ours
	mends   []mend
}

// A mend is a block to be written anew, with the pieces to be kept aside.
type mend struct {
	block   int
	content []byte
	damaged []byte // to be kept aside
}

func (p *preparation) look(block int, last, clean bool) error {
	b, err := p.root.ReadFile(blockFile(block))
	if err != nil {
		return err
	}
	h, err := frameHash(StreamName, block)
	if err != nil {
		return err
	}
	s := scanBlock(b, Subject, h, p.follow)
	p.frames += s.frames
	p.orphans += len(s.orphans)
	for _, r := range s.orphans {
		p.remember(r)
	}
	for _, r := range s.bad {
		piece := b[r.from:r.to]
		p.plain = p.plain || len(piece) < frameHead+len(Subject) || bytes.Contains(piece, []byte(Subject)) || bytes.Contains(piece, []byte(magic))
		if !s.torn {
			p.log.Error("the journal is damaged on disk", "block", block, "from_byte", r.from, "to_byte", r.to)
		}
	}
	switch {
	case s.torn:
		from := s.bad[0].from
		p.log.Warn("the last record was not written whole; it was never acknowledged unless the file was cut", "block", block, "bytes", len(b)-from)
		p.mends = append(p.mends, mend{block, s.good, b[from:]})
	case len(s.bad) > 0:
		p.mends = append(p.mends, mend{block, s.good, b})
		if last && s.bad[len(s.bad)-1].to == len(b) && len(s.orphans) == 0 {
			// Nothing else will tell that there was a record.
			p.newest = memory{position: Position{p.newest.position.Generation, p.newest.position.Sequence + 1, Hash{}}}
		}
	case last && !clean:
		return p.rewrite(block, b)
	}
	return nil
}

// follow takes the next record that the server will have too.
func (p *preparation) follow(r *Record) {
	if loss, ok := p.chain.next(r); !ok {
		p.losses = append(p.losses, loss)
	}
	p.remember(r)
}

func (p *preparation) remember(r *Record) {
	if r.sequence > p.newest.position.Sequence {
		c := r.counters
		p.newest = memory{r.position, &c}
	}
}

// mend writes blocks anew. Nothing is touched when nothing at all could be read.
func (p *preparation) mend() error {
	if len(p.mends) > 0 && p.frames == 0 && (p.orphans > 1 || !p.plain) {
		return fmt.Errorf("no record of %d blocks is readable: the store is encrypted, or of another version of the server", len(p.blocks))
	}
	for _, m := range p.mends {
		if err := p.keep(m); err != nil {
			return err
		}
		if err := p.root.Remove(indexFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := p.replace(m); err != nil {
			return err
		}
	}
	return nil
}

// keep copies what was damaged to a folder of its own.
func (p *preparation) keep(m mend) (err error) {
	if p.Damaged == "" {
		p.Damaged, err = damagedFolder(p.dir, p.log)
	}
	if err != nil {
		return err
	}
	return file.Replace(filepath.Join(p.Damaged, blockFile(m.block)), m.damaged)
}

func damagedFolder(dir string, log *slog.Logger) (string, error) {
	folder := filepath.Join(dir, "damaged-"+time.Now().UTC().Format("20060102T150405.000Z"))
	log.Warn("damaged pieces of the journal are kept aside", "folder", folder)
	return folder, os.MkdirAll(folder, 0o700)
}

// replace puts a block with other content in the place of the damaged one.
func (p *preparation) replace(m mend) error {
	name := blockFile(m.block)
	if len(m.content) > 0 {
		return file.ReplaceIn(p.root, name, m.content)
	}
	if err := p.root.Remove(name); err != nil {
		return err
	}
	return file.SyncFolder(p.root)
}

// rewrite writes a block over itself. A plain sync would be too little: after
// one that failed the system takes the pages in memory for written.
func (p *preparation) rewrite(block int, b []byte) error {
	f, err := p.root.OpenFile(blockFile(block), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// newer returns the memory that reaches further.
func newer(a, b memory) memory {
	if c := cmp.Compare(a.position.Sequence, b.position.Sequence); c < 0 || c == 0 && a.counters == nil {
		return b
	}
	return a
}

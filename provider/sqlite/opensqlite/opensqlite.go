package opensqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3/driver"

	"github.com/holdfast-go/holdfast/provider/sqlite"
)

// Provider is a sqlite.Provider that owns its connections. Make one with Open; the zero
// Provider cannot be used.
type Provider struct {
	*sqlite.Provider
	writer, reader *sql.DB
	end            context.CancelFunc // of the purge
	purge          sync.WaitGroup
}

// openTimeout limits the wait for another process that holds a lock.
const openTimeout = 30 * time.Second

// Open opens the SQLite database in a file, and creates the file and the table unless
// they exist. The file is given by its path or by a URL:
//
//	shop.db
//	/var/lib/shop/shop.db
//	sqlite:shop.db
//	sqlite:/var/lib/shop/shop.db?table=holdfast_sessions&synchronous=normal
//	sqlite:///var/lib/shop/shop.db
//
// Both parameters of a URL may be omitted; they are the options Table and Synchronous. In
// a URL, special characters are percent-encoded. A relative path is resolved when Open is
// called. The directory must exist. A new file can be read and written by its owner only.
//
// Expired records are removed every ten minutes until Close; see PurgeInterval.
func Open(name string, opts ...Option) (*Provider, error) {
	c, err := parse(name)
	if err != nil {
		return nil, err
	}
	for _, opt := range opts {
		opt(c)
	}
	if err := c.prepareFile(); err != nil {
		return nil, err
	}
	p, err := c.open()
	if err != nil {
		return nil, err
	}
	if err := p.create(c); err != nil {
		_ = p.Close()
		return nil, err
	}
	if c.purgeInterval > 0 {
		ctx, cancel := context.WithCancel(context.Background())
		p.end = cancel
		p.purge.Go(func() { p.PurgeEvery(ctx, c.purgeInterval) })
	}
	return p, nil
}

// open opens the database without any I/O.
func (c *config) open() (*Provider, error) {
	registerVFS()
	writer, err := driver.Open(c.dataSource("journal_mode(wal)", "synchronous("+c.synchronous.String()+")", "fullfsync(1)", "journal_size_limit(16777216)"))
	if err != nil {
		return nil, errName
	}
	writer.SetMaxOpenConns(1) // SQLite has one writer at a time
	reader, err := driver.Open(c.dataSource("query_only(1)"))
	if err != nil {
		return nil, errName
	}
	connections := max(4, runtime.GOMAXPROCS(0))
	reader.SetMaxOpenConns(connections)
	reader.SetMaxIdleConns(connections)
	options := []sqlite.Option{sqlite.Table(c.table), sqlite.Reader(reader)}
	if c.logger != nil {
		options = append(options, sqlite.Logger(c.logger))
	}
	return &Provider{Provider: sqlite.New(writer, options...), writer: writer, reader: reader, end: func() {}}, nil
}

func (p *Provider) create(c *config) error {
	if c.existing {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	return p.CreateTable(ctx)
}

// Close ends the purge and closes the connections. Call it after the last call of another
// method. The last process that closes a database also removes the two files beside it.
func (p *Provider) Close() error {
	p.end()
	p.purge.Wait()
	return errors.Join(p.reader.Close(), p.writer.Close())
}

// prepareFile reports what SQLite has no clear errors for, and creates the file so that
// only its owner can read it.
func (c *config) prepareFile() error {
	info, err := os.Stat(c.path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("opensqlite: %s is a directory; name a file in it", c.path)
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("opensqlite: %s is not a regular file; name another", c.path)
	case err == nil:
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("opensqlite: %w", err)
	}
	if _, err := os.Stat(filepath.Dir(c.path)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("opensqlite: there is no directory %s; create it first", filepath.Dir(c.path))
	}
	if c.existing {
		return fmt.Errorf("opensqlite: there is no file %s; create the store first", c.path)
	}
	file, err := os.OpenFile(c.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("opensqlite: %w", err)
	}
	return file.Close()
}

// Option configures Open.
type Option func(*config)

type config struct {
	path          string
	table         string
	synchronous   Mode
	logger        *slog.Logger
	existing      bool
	purgeInterval time.Duration
}

// Table sets the table's name, as sqlite.Table. The default is "holdfast_sessions".
func Table(name string) Option {
	sqlite.Table(name) // panics if the name is not valid
	return func(c *config) { c.table = name }
}

// Mode says what an acknowledged change survives.
type Mode int

const (
	// Full: an acknowledged change survives the end of the process and of the operating
	// system, and a power failure, if the disk keeps what it has confirmed.
	Full Mode = iota

	// Normal: an acknowledged change survives the end of the process. When the operating
	// system crashes or the power fails, the changes of the last seconds or minutes may be
	// lost, such as a logout. The database is not damaged. A change takes a fraction of the
	// time.
	Normal
)

// String returns the mode as the parameter synchronous of a URL.
func (m Mode) String() string {
	if m == Normal {
		return "normal"
	}
	return "full"
}

// Synchronous sets the mode. The default is Full.
func Synchronous(m Mode) Option {
	return func(c *config) { c.synchronous = m }
}

// Logger sets the logger for the errors of the purge. The default is slog.Default().
func Logger(l *slog.Logger) Option {
	return func(c *config) { c.logger = l }
}

// PurgeInterval sets how often Open's purge removes expired records. The default is 10
// minutes; 0 or less means never.
func PurgeInterval(d time.Duration) Option {
	return func(c *config) { c.purgeInterval = d }
}

// MustExist makes Open create nothing. It is then an error if the file does not exist. If
// the table does not exist, the first call of the Provider says so.
func MustExist() Option {
	return func(c *config) { c.existing = true }
}

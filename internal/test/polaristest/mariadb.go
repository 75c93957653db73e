package polaristest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// MariaDB is a running database with the schema of Polaris in polaris_server.
// Its root has no password over TCP.
type MariaDB struct {
	Addr string
	port string
	dir  string
	cmd  *exec.Cmd
	out  *buffer
}

// MariaDBPrograms are what StartMariaDB runs.
var MariaDBPrograms = []string{"mariadbd", "mariadb-install-db", "mariadb"}

// StartMariaDB starts a database in a temporary directory. It must be called
// inside of the module, whose Polaris it takes the schema of.
func StartMariaDB() (*MariaDB, error) {
	dir, err := os.MkdirTemp("", "setrouter-mariadb-")
	if err != nil {
		return nil, err
	}
	m := &MariaDB{port: strconv.Itoa(FreePort()), dir: dir, out: &buffer{}}
	m.Addr = "127.0.0.1:" + m.port
	install := exec.Command("mariadb-install-db", "--no-defaults", ownUser(), "--datadir="+m.data(), "--auth-root-authentication-method=normal", "--skip-test-db")
	install.Env = m.env()
	if out, err := install.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("mariadb-install-db: %w: %s", err, out), os.RemoveAll(dir))
	}
	err = m.Start()
	if err == nil {
		err = m.prepare()
	}
	if err != nil {
		return nil, errors.Join(err, m.Kill())
	}
	return m, nil
}

// ownUser is the option by which a database runs as the user of the test; that
// of root has to be said.
func ownUser() string { return "--user=" + strconv.Itoa(os.Getuid()) }

func (m *MariaDB) data() string { return filepath.Join(m.dir, "data") }

// env gives a database temporary files of its own: one that starts removes those
// of all others in the same place.
func (m *MariaDB) env() []string { return append(os.Environ(), "TMPDIR="+m.dir) }

// Start starts a stopped database again at the same address. Stop kills it, so
// each commit is given to the system at once (2): what was committed is there.
func (m *MariaDB) Start() error {
	m.cmd = exec.Command("mariadbd", "--no-defaults", ownUser(), "--datadir="+m.data(), "--bind-address=127.0.0.1", "--port="+m.port,
		"--socket="+filepath.Join(m.dir, "s"), "--pid-file="+filepath.Join(m.dir, "pid"), "--innodb-flush-log-at-trx-commit=2",
		"--innodb-buffer-pool-size=256M", "--innodb-log-file-size=32M", "--skip-log-bin")
	m.cmd.Env, m.cmd.Stdout, m.cmd.Stderr, m.cmd.SysProcAttr = m.env(), m.out, m.out, DieWithParent()
	if err := m.cmd.Start(); err != nil {
		return err
	}
	for end := time.Now().Add(Patience); !listens(m.Addr); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("mariadbd does not listen: %s", m.out)
		}
	}
	return nil
}

// Stop ends the database at once, and keeps what it has.
func (m *MariaDB) Stop() error { return endProcess(m.cmd) }

func (m *MariaDB) prepare() error {
	polaris, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/polarismesh/polaris").Output()
	if err != nil {
		return err
	}
	schema, err := os.Open(filepath.Join(strings.TrimSpace(string(polaris)), "store/mysql/scripts/polaris_server.sql"))
	if err != nil {
		return err
	}
	defer schema.Close()
	return m.Run(schema)
}

// Run runs SQL statements as root.
func (m *MariaDB) Run(sql io.Reader) error {
	cmd := exec.Command("mariadb", "--no-defaults", "-h127.0.0.1", "-P"+m.port, "-uroot")
	cmd.Stdin = sql
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mariadb: %w: %s", err, out)
	}
	return nil
}

// Store is the `store` of a server on this database, as root.
func (m *MariaDB) Store() string { return storeAt(m.Addr) }

func storeAt(addr string) string {
	return "{name: defaultStore, option: {master: {dbType: mysql, dbName: polaris_server, dbUser: root, dbPwd: \"\", dbAddr: \"" + addr +
		"\", maxOpenConns: 50, maxIdleConns: 10, connMaxLifetime: 300, txIsolationLevel: 2}}}"
}

// Kill ends the database at once and removes its directory.
func (m *MariaDB) Kill() error { return errors.Join(m.Stop(), os.RemoveAll(m.dir)) }

package rig

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql" // the driver of the database

	"github.com/polaris-contrib/setrouter/internal/test/polaristest"
)

// Store is the database that both servers read, as two nodes of a cluster do. Instances
// change in the database, as if another node had changed them, so that neither server
// spends time on writes.
type Store struct {
	db   *polaristest.MariaDB
	conn *sql.DB
}

// StartStore starts a database, and fills it by SQL before servers start.
func StartStore(registrations string) (*Store, error) {
	db, err := polaristest.StartMariaDB()
	if err != nil {
		return nil, err
	}
	if err := db.Run(strings.NewReader(registrations)); err != nil {
		return nil, err
	}
	conn, err := sql.Open("mysql", "root@tcp("+db.Addr+")/polaris_server")
	return &Store{db, conn}, err
}

// Options returns the section of a server's configuration for this database.
func (s *Store) Options() string { return s.db.Store() }

// Flip changes the health of instances.
func (s *Store) Flip(ids ...string) error {
	_, err := s.conn.Exec(fmt.Sprintf("UPDATE instance SET health_status = 1 - health_status, revision = '%032x' WHERE id IN ('%s')",
		time.Now().UnixNano(), strings.Join(ids, "','")))
	return err
}

// Close ends the database.
func (s *Store) Close() error {
	s.conn.Close()
	return s.db.Kill()
}

// InstanceID returns the id of the instance with a number.
func InstanceID(n int) string { return fmt.Sprintf("%032x", uint64(n)*0x9E3779B97F4A7C15) }

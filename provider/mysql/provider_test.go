package mysql_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
	"github.com/holdfast-go/holdfast/provider/providertest"
)

// contract checks the rules of package provider over connections that are set up in a
// certain way.
func contract(t *testing.T, setUp func(*mysql.Config)) {
	t.Helper()
	cfg := config(t)
	setUp(cfg)
	contractOn(t, open(t, cfg))
}

func contractOn(t *testing.T, db *sql.DB) {
	t.Helper()
	p := mysqlprovider.New(db, mysqlprovider.Table(newTable(t)))
	providertest.Run(t, func(*testing.T) provider.Provider { return p })
}

func TestContract(t *testing.T) {
	contract(t, func(*mysql.Config) {})
}

func TestContractOfOpen(t *testing.T) {
	p := openURL(t, testserver.SharedMariaDB(t), mysqlprovider.Table(newTable(t)))
	providertest.Run(t, func(*testing.T) provider.Provider { return p })
}

// The driver's own defaults: it prepares each statement, and counts the rows that were
// changed instead of those found.
func TestContractWithDriverDefaults(t *testing.T) {
	for name, setUp := range map[string]func(*mysql.Config){
		"neither": func(cfg *mysql.Config) { cfg.ClientFoundRows, cfg.InterpolateParams = false, false },
		"compression, no clientFoundRows": func(cfg *mysql.Config) {
			cfg.ClientFoundRows, cfg.ParseTime = false, true
			_ = cfg.Apply(mysql.EnableCompression(true))
		},
	} {
		t.Run(name, func(t *testing.T) { contract(t, setUp) })
	}
}

func TestContractWithOneConnection(t *testing.T) {
	db := open(t, config(t))
	db.SetMaxOpenConns(1)
	contractOn(t, db)
}

// Text depends on these settings, and the driver's quoting on some of them.
func TestContractInAnySession(t *testing.T) {
	for name, params := range map[string]map[string]string{
		"east of UTC, latin1, no backslashes": {
			"time_zone": "'+13:00'", "sql_mode": "'NO_BACKSLASH_ESCAPES'",
			"character_set_client": "latin1", "character_set_connection": "latin1", "character_set_results": "latin1",
		},
		"west of UTC, strict": {"time_zone": "'-08:00'", "sql_mode": "'TRADITIONAL'", "character_set_results": "ascii"},
		"between, ANSI":       {"time_zone": "'+05:45'", "sql_mode": "'ANSI,NO_UNSIGNED_SUBTRACTION,PAD_CHAR_TO_FULL_LENGTH'"},
		"no mode at all":      {"sql_mode": "''"},
	} {
		t.Run(name, func(t *testing.T) {
			contract(t, func(cfg *mysql.Config) { cfg.Params = params })
		})
	}
}

func TestContractInOracleModeOfMariaDB(t *testing.T) {
	onlyMariaDB(t)
	contract(t, func(cfg *mysql.Config) { cfg.Params["sql_mode"] = "ORACLE" })
}

func TestContractAtAnyIsolation(t *testing.T) {
	for _, level := range []string{"READ-COMMITTED", "SERIALIZABLE"} {
		t.Run(level, func(t *testing.T) {
			contract(t, func(cfg *mysql.Config) { cfg.Params[isolation(t)] = "'" + level + "'" })
		})
	}
}

// A database whose default character set ignores case and blanks at the end.
func TestContractInDatabaseOfAnyCharset(t *testing.T) {
	for _, charset := range []string{"latin1", "ucs2"} {
		t.Run(charset, func(t *testing.T) {
			admin, name := open(t, config(t)), newName()
			run(t, admin, "CREATE DATABASE "+name+" CHARACTER SET "+charset)
			t.Cleanup(func() { run(t, admin, "DROP DATABASE "+name) })
			cfg := config(t)
			cfg.DBName = name
			p := mysqlprovider.New(open(t, cfg))
			if err := p.CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			providertest.Run(t, func(*testing.T) provider.Provider { return p })
		})
	}
}

// isolation returns the name of the variable of the isolation level.
func isolation(t *testing.T) string {
	t.Helper()
	if isMariaDB(t) {
		return "tx_isolation" // an alias from 11.1 on
	}
	return "transaction_isolation"
}

func isMariaDB(t *testing.T) bool {
	t.Helper()
	return strings.Contains(query[string](t, open(t, config(t)), "SELECT VERSION()"), "MariaDB")
}

// onlyMariaDB ends a test of what MySQL does not have.
func onlyMariaDB(t *testing.T) {
	t.Helper()
	if !isMariaDB(t) {
		t.Skip("this is a test of what MariaDB has and MySQL has not")
	}
}

func openURL(tb testing.TB, serverURL string, opts ...mysqlprovider.Option) *mysqlprovider.Provider {
	tb.Helper()
	p, err := mysqlprovider.Open(serverURL, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { p.Close() })
	return p
}

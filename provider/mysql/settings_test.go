package mysql_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/holdfast-go/holdfast/internal/storetest"
	"github.com/holdfast-go/holdfast/internal/testserver"
	"github.com/holdfast-go/holdfast/provider"
	mysqlprovider "github.com/holdfast-go/holdfast/provider/mysql"
)

// Connections that would lose saves are refused by every call, with what to change.
func TestUnfitSettingsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		variable, value, says string
	}{
		"no autocommit":    {"autocommit", "0", "remove autocommit=0"},
		"READ UNCOMMITTED": {isolation(t), "'READ-UNCOMMITTED'", "choose another level"},
		"empty is NULL":    {"sql_mode", "'EMPTY_STRING_IS_NULL'", "remove it"},
		"gbk":              {"character_set_client", "gbk", "charset=utf8mb4"},
		"sjis":             {"character_set_client", "sjis", "charset=utf8mb4"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(c.value, "EMPTY_STRING") {
				onlyMariaDB(t)
			}
			table := newTable(t)
			cfg := config(t)
			cfg.Params[c.variable] = c.value
			p := mysqlprovider.New(open(t, cfg), mysqlprovider.Table(table))
			rec := storetest.NewRecord()
			each(t, p, rec, func(t *testing.T, err error) {
				tellsNothing(t, err, rec)
				says(t, err, c.says)
			})
			err := p.CreateTable(t.Context())
			says(t, err, c.says)
			ends(t, p, refused)
		})
	}
}

// Replicas would evaluate SYSDATE at another time.
func TestStatementBasedReplicationIsRefused(t *testing.T) {
	server := testserver.MariaDB(t, "--log-bin=binlog", "--server-id=1")
	for format, ok := range map[string]bool{"STATEMENT": false, "MIXED": true, "ROW": true} {
		cfg := parse(t, server.URL)
		cfg.Params["binlog_format"] = format
		err := mysqlprovider.New(open(t, cfg)).CreateTable(t.Context())
		if ok && err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if !ok {
			says(t, err, "set it to ROW or MIXED")
		}
	}
}

// What is refused is tried again: the server may have been changed.
func TestSettingsAreCheckedUntilTheyFit(t *testing.T) {
	settings := map[string]string{"autocommit": "OFF"}
	p := mysqlprovider.New(faulty(t, faultyDriver{settings: settings}))
	for range 2 {
		if _, err := p.Fetch(t.Context(), "id"); !errors.Is(err, provider.ErrRefused) {
			t.Errorf("got error %v, want ErrRefused", err)
		}
	}
	maps.Copy(settings, map[string]string{"autocommit": "ON"})
	storetest.WantNoRecord(t, p, "id")
	settings["autocommit"] = "OFF" // no longer looked at
	storetest.WantNoRecord(t, p, "id")
}

func TestUnreadableSettingsAreRefused(t *testing.T) {
	p := mysqlprovider.New(faulty(t, faultyDriver{settings: map[string]string{"max_allowed_packet": "many"}}))
	says(t, p.Save(t.Context(), storetest.NewRecord(), 0), "max_allowed_packet")
}

// The check fails like a statement.
func TestFailedCheckOfSettings(t *testing.T) {
	server := testserver.MariaDB(t)
	cfg := parse(t, server.URL)
	db := open(t, cfg)
	if err := db.PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	err := mysqlprovider.New(db).Save(t.Context(), storetest.NewRecord(), 0)
	isOutcome(t, "Save", err, notSaved)
	if strings.Contains(err.Error(), mysql.ErrInvalidConn.Error()) && !strings.Contains(err.Error(), "broken") {
		t.Errorf("the error %q does not say that the connection is broken", err)
	}
}

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
)

// command is a command of the tool.
type command struct {
	name     string
	usage    string           // what follows the name
	summary  string           // in a few words
	pair     bool             // it has the flags from and to, and not store
	offline  bool             // it opens no store
	flags    []string         // besides store
	operands int              // at most
	creates  bool             // it creates what the store needs
	lasts    bool             // it keeps the store in use, so that one in memory makes sense
	check    func(*job) error // of the flags, before the store is opened or created; may be nil
	run      func(context.Context, *job) error
}

var commands = []command{
	{
		name: "list", usage: "[-user ID | -label NAME=VALUE [-namespace NAME]] [-prefix TEXT] [-limit N] [-json]",
		summary: "the sessions, one a line",
		flags:   []string{"user", "label", "namespace", "prefix", "limit", "json"}, run: list,
	},
	{
		name: "show", usage: "[-json] ID",
		summary: "one session with its values, or another record",
		flags:   []string{"json"}, operands: 1, run: show,
	},
	{
		name: "revoke", usage: "[-yes] ID... | [-yes] [-namespace NAME] -user ID | -label NAME=VALUE | -everything -within DURATION",
		summary: "end sessions, those of a user or of a label, or all",
		flags:   []string{"user", "label", "everything", "within", "namespace", "yes"}, operands: math.MaxInt, check: (*job).checkRevoke, run: revoke,
	},
	{
		name: "purge", summary: "remove expired records from stores that do not do so by themselves", run: purge,
	},
	{
		name: "stats", usage: "[-json]",
		summary: "count sessions, bytes, ages and more",
		flags:   []string{"json"}, run: stats,
	},
	{
		name: "move", usage: "-from URL -to URL [-dry-run | -verify | -clean] [-create] [-parallel N] [-yes] [-json]",
		summary: "move everything to another store, also while the program runs", pair: true,
		flags: []string{"dry-run", "verify", "clean", "create", "parallel", "yes", "json"}, run: move,
	},
	{
		name: "copy", usage: "-from URL -to URL [-verify] [-create] [-replace] [-revive] [-parallel N] [-json]",
		summary: "copy to another store, or to and from a backup", pair: true,
		flags: []string{"verify", "create", "replace", "revive", "parallel", "json"}, run: copyStore,
	},
	{
		name: "size", usage: "-sessions N -requests R [-bytes B] [-changes SHARE] [-owned SHARE] [-idle DURATION] [-used DURATION] [-store KIND] [-replicas N] [-json]",
		summary: "estimate memory, disk, calls and money of so many sessions", offline: true,
		flags: []string{"sessions", "requests", "bytes", "changes", "owned", "idle", "used", "replicas", "json"}, run: sizeStores,
	},
	{
		name: "create", summary: "make the table or directory that the store needs", creates: true, run: create,
	},
	{
		name: "admin", usage: "[-namespace NAME] [-port N] [-read-only]",
		summary: "a page in the browser that shows and ends sessions",
		flags:   []string{"namespace", "port", "read-only"}, run: serveAdmin,
	},
	{
		name: "serve", usage: "[-listen ADDRESS] [-token-file FILE | -no-token] [-tls-cert FILE -tls-key FILE | -plain]",
		summary: "serve the store over HTTP to provider/httpstore",
		flags:   []string{"listen", "token-file", "no-token", "tls-cert", "tls-key", "plain"}, creates: true, lasts: true, check: (*job).checkServe, run: serve,
	},
}

func commandNamed(name string) *command {
	at := slices.IndexFunc(commands, func(c command) bool { return c.name == name })
	if at < 0 {
		return nil
	}
	return &commands[at]
}

// allFlags returns the names of c's flags with those of its stores.
func (c *command) allFlags() []string {
	if c.pair {
		return append([]string{"from", "to"}, c.flags...)
	}
	return append(slices.Clone(c.flags), "store")
}

// before returns what may precede the name of c.
func (c *command) before() string {
	if c.pair || c.offline {
		return ""
	}
	return "[-store URL] "
}

// flags returns a flag set with the flags of these names, which set j's options.
func (j *job) flags(of string, names ...string) *flag.FlagSet {
	fs := flag.NewFlagSet(of, flag.ContinueOnError)
	fs.SetOutput(io.Discard) // the error says it all
	for _, name := range names {
		if of == "size" && j.sizeFlag(fs, name) {
			continue
		}
		switch name {
		case "store":
			fs.StringVar(&j.storeURL, name, j.storeURL, "the `URL` of the store; by default $"+storeEnv)
		case "user":
			fs.Func(name, "only the sessions of this user: the `ID` that was passed to Session.SetOwner", func(id string) error {
				if j.user = id; id == "" {
					return errors.New("the user is empty")
				}
				return nil
			})
		case "label":
			fs.Func(name, "only the sessions with this label of Session.SetLabel, as `NAME=VALUE`", j.label.set)
		case "everything":
			fs.BoolVar(&j.everything, name, false, "every session of the namespace, as by Manager.RevokeEverything")
		case "within":
			fs.DurationVar(&j.within, name, 0, "the program's Config.RevokeEverythingWithin, a `duration` such as 10s, for -everything")
		case "namespace":
			fs.StringVar(&j.namespace, name, "", "the program's Config.Namespace, a `NAME` that is needed to find the sessions of a user or a label")
		case "prefix":
			fs.StringVar(&j.prefix, name, "", "only the sessions whose public ID begins with this `text`")
		case "limit":
			fs.IntVar(&j.limit, name, 0, "stop after `N` sessions; 0: never")
		case "port":
			fs.IntVar(&j.port, name, 0, "the port `N` of 127.0.0.1; 0 picks a free one")
		case "read-only":
			fs.BoolVar(&j.readOnly, name, false, "show sessions without their values, and end none")
		case "json":
			fs.BoolVar(&j.json, name, false, "print JSON, for programs")
		case "yes":
			fs.BoolVar(&j.yes, name, false, "do not ask")
		default:
			j.serveFlag(fs, name)
			j.pairFlag(fs, name)
		}
	}
	return fs
}

func isHelp(err error) bool { return errors.Is(err, flag.ErrHelp) }

// dashed matches a public ID that looks like a flag: one in 64 begins with a dash.
var dashed = regexp.MustCompile(`^-[A-Za-z0-9_-]{42}$`)

// operands parses args and returns the arguments that are not flags. Flags and operands
// may be in any order.
func operands(fs *flag.FlagSet, args []string) (found []string, err error) {
	var rest []string
	for _, arg := range args {
		if dashed.MatchString(arg) {
			found = append(found, arg)
		} else {
			rest = append(rest, arg)
		}
	}
	for len(rest) > 0 {
		if err := fs.Parse(rest); err != nil {
			return nil, err
		}
		if rest = fs.Args(); len(rest) > 0 {
			found, rest = append(found, rest[0]), rest[1:]
		}
	}
	return found, nil
}

// help prints the usage of the tool, or of one of its commands.
func (t *tool) help(args []string) error {
	if len(args) == 0 {
		fmt.Fprint(t.stdout, "Holdfast manages the sessions in a store.\n\nUsage:\n\n\tholdfast [-store URL] COMMAND [flags]\n\nCommands:\n\n")
		for _, c := range commands {
			fmt.Fprintf(t.stdout, "\t%-7s %s\n", c.name, c.summary)
		}
		fmt.Fprint(t.stdout, afterword)
		return nil
	}
	c := commandNamed(args[0])
	if c == nil {
		return usageError(fmt.Sprintf("there is no command %q; see holdfast help", args[0]))
	}
	fmt.Fprintf(t.stdout, "holdfast %s: %s.\n\nUsage:\n\n\tholdfast %s%s %s\n\nFlags:\n\n", c.name, c.summary, c.before(), c.name, c.usage)
	fs := new(job).flags(c.name, c.allFlags()...)
	fs.SetOutput(t.stdout)
	fs.PrintDefaults()
	return nil
}

const afterword = `
Stores:

	sqlite:shop.db or sqlite:///path/to/shop.db   ?table=&synchronous=normal
	redis://user:password@host:port/database      rediss:// by TLS; ?prefix=
	redis-cluster://user:password@host:port       rediss-cluster:// by TLS; ?addr=host:port&prefix=
	unix://user:password@/path/to/redis.sock      ?db=0&prefix=
	postgres://user:password@host:port/database   ?table=
	mysql://user:password@host:port/database      ?table=; MariaDB too
	dynamodb://table                              ?prefix=&endpoint=http://host:port
	etcd://user:password@host:port,host:port      etcds:// by TLS; ?prefix=&ca=&cert=&key=
	nats://user:password@host:port,host:port      tls:// by TLS; ?bucket=&replicas=&creds=&ca=&cert=&key=
	https://host/path                             of holdfast serve; ?token-file=&ca=&cert=&key=
	http://localhost:port                         the same; http://host?plain=true
	http+unix:///path/to/socket                   the same
	file:///directory                             of examples/customprovider
	backup:file                                   of holdfast copy, for it alone

Environment:

	HOLDFAST_STORE      the URL of the store, so that no password is on the command line
	HOLDFAST_TOKEN      the token of holdfast serve and its clients
	HOLDFAST_FROM       the URL of -from, for move and copy
	HOLDFAST_TO         the URL of -to, for move and copy
	HOLDFAST_SEAL_KEYS  keys of provider/sealed, in base64, with commas between them

See also: holdfast help COMMAND.
`

package main

import "strings"

// The errors of providers name remedies for programs in Go. These are what the user of
// this tool has instead.
var remedies = []string{
	createTable + " or by the SQL of Schema", "create it with holdfast create",
	createTable + " or as the documentation of provider/dynamodb says", "create it with holdfast create",
	createBucket, "create it with holdfast create",
	bucketCreates, "holdfast create creates it",
	"or let CreateBucket create the bucket", "or let holdfast create make another bucket",
	"choose another with Table, or change it to what Schema returns", "choose another with table= in the URL, or change it",
	"name one that exists in the URL or by Table", "name one that exists in the URL",
	"run the SQL of Schema", "create the table",
	"or set PlainHTTP if the network is protected", "or add ?plain=true to the URL if the network is protected",
	"Options.TLS or ca=FILE in a URL of the command holdfast", "ca=FILE in the URL",
}

// What providers say if a table or a bucket may be missing.
const (
	createTable   = "create it with CreateTable"
	createBucket  = "create it with CreateBucket"
	bucketCreates = "CreateBucket creates it"
)

var forUsers = strings.NewReplacer(remedies...)

// isMissing reports whether an error of a store says that holdfast create may help.
func isMissing(err error) bool {
	text := err.Error()
	return strings.Contains(text, createTable) || strings.Contains(text, createBucket) || strings.Contains(text, bucketCreates)
}

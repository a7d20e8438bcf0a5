// Package opensqlite opens a store of sessions in an SQLite file, in one line:
//
//	store, err := opensqlite.Open("shop.db")
package opensqlite

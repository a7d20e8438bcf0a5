// Package migrate is a provider over two stores that moves sessions from one to the other.
package migrate

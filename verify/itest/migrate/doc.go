// Package migrate checks provider/migrate on real servers: the contract, histories of
// instances in neighbouring phases, and a rolling restart of processes under load.
package migrate

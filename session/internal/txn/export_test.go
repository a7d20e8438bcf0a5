package txn

// MaxWait is how long a commit waits for the save of another.
const MaxWait = maxWait

/* The OAuth logins of one client: a user who logs in at once, or only after logins_unblock. */
#ifndef INTERRUPT_OAUTH_H
#define INTERRUPT_OAUTH_H

#include <mcp.h>

#include <stdbool.h>

struct logins;

/* Makes the client use a new mcp_oauth. `has_store`: its records are kept by callbacks. */
struct logins *logins_new(mcp_client *client, bool has_store);

/* Another client uses the same mcp_oauth. */
void logins_share(struct logins *logins, mcp_client *client);

/* The user does not log in until logins_unblock. */
void logins_block(struct logins *logins);

/* Returns when a login waits for the user. */
void logins_await(struct logins *logins);

/* Completes the login that waits for the user, if there is one; later ones complete at once. */
void logins_unblock(struct logins *logins);

/* Frees the mcp_oauth. The library may still store a token; the callbacks stay until then. */
void logins_free(struct logins *logins);

/* Returns when the library has destroyed the callbacks of all logins, and checks that it did so once. */
void logins_check_destroyed(void);

#endif

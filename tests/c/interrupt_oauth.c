#define _XOPEN_SOURCE 700

#include "interrupt_oauth.h"

#include "check.h"
#include "support.h"

#include <semaphore.h>

/* The callbacks and the fixture share this object; the last one frees it. */
struct logins {
    mcp_oauth *oauth;
    int references;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_blocked;
    char *url; /* of the login that waits for the user */
    /* The store. */
    sem_t is_unlocked;
    char *text;
};

static size_t registered, destroyed; /* callbacks of all logins */

static void release(void *userdata) {
    struct logins *logins = userdata;
    int unlocked = 0;
    if (__sync_sub_and_fetch(&logins->references, 1) > 0) {
        return;
    }
    sem_getvalue(&logins->is_unlocked, &unlocked);
    CHECK_SAYS(unlocked == 1, "the record is locked %d times more than unlocked", 1 - unlocked);
    sem_destroy(&logins->is_unlocked);
    pthread_mutex_destroy(&logins->lock);
    pthread_cond_destroy(&logins->changed);
    free(logins->url);
    free(logins->text);
    free(logins);
}

static void destroy(void *userdata) {
    release(userdata);
    __sync_fetch_and_add(&destroyed, 1);
}

/* --- The user ---------------------------------------------------------------------------------------------------- */

static void open_login(void *userdata, mcp_oauth_request *request) {
    struct logins *logins = userdata;
    const char *url = mcp_oauth_request_url(request);
    bool waits;
    pthread_mutex_lock(&logins->lock);
    waits = logins->is_blocked;
    if (waits) {
        free(logins->url);
        logins->url = strdup(url);
        pthread_cond_broadcast(&logins->changed);
    }
    pthread_mutex_unlock(&logins->lock);
    if (!waits) {
        char *redirect_url = redirect_of(url);
        CHECK_INT(MCP_OK, mcp_oauth_request_finish(request, redirect_url, NULL));
        free(redirect_url);
    }
}

/* --- The store --------------------------------------------------------------------------------------------------- */

static void load(void *userdata, mcp_oauth_record *record) {
    struct logins *logins = userdata;
    pthread_mutex_lock(&logins->lock);
    CHECK_INT(MCP_OK, mcp_oauth_record_set_text(record, logins->text, MCP_NUL_TERMINATED, NULL));
    pthread_mutex_unlock(&logins->lock);
}

static void save(void *userdata, mcp_oauth_record *record) {
    struct logins *logins = userdata;
    const char *text = mcp_oauth_record_text(record, NULL);
    pthread_mutex_lock(&logins->lock);
    free(logins->text);
    logins->text = text != NULL ? strdup(text) : NULL;
    pthread_mutex_unlock(&logins->lock);
}

/* A semaphore, because another thread may unlock. */
static void lock(void *userdata, mcp_oauth_record *record) {
    (void)record;
    while (sem_wait(&((struct logins *)userdata)->is_unlocked) != 0) {
    }
}

static void unlock(void *userdata, mcp_oauth_record *record) {
    (void)record;
    sem_post(&((struct logins *)userdata)->is_unlocked);
}

/* --- Logins ------------------------------------------------------------------------------------------------------ */

struct logins *logins_new(mcp_client *client, bool has_store) {
    struct logins *logins = calloc(1, sizeof *logins);
    must(logins != NULL && sem_init(&logins->is_unlocked, 0, 1) == 0, "memory");
    pthread_mutex_init(&logins->lock, NULL);
    pthread_cond_init(&logins->changed, NULL);
    logins->references = 2 + has_store;
    logins->oauth = mcp_oauth_new();
    __sync_fetch_and_add(&registered, 1 + (size_t)has_store);
    must(mcp_oauth_set_open(logins->oauth, open_login, logins, destroy, NULL) == MCP_OK, "mcp_oauth_set_open");
    if (has_store) {
        must(mcp_oauth_set_store(logins->oauth, load, save, lock, unlock, logins, destroy, NULL) == MCP_OK,
             "mcp_oauth_set_store");
    }
    logins_share(logins, client);
    return logins;
}

void logins_share(struct logins *logins, mcp_client *client) {
    must(mcp_set_oauth(client, logins->oauth, NULL) == MCP_OK, "mcp_set_oauth");
}

void logins_block(struct logins *logins) {
    pthread_mutex_lock(&logins->lock);
    logins->is_blocked = true;
    pthread_mutex_unlock(&logins->lock);
}

void logins_await(struct logins *logins) {
    pthread_mutex_lock(&logins->lock);
    while (logins->url == NULL) {
        pthread_cond_wait(&logins->changed, &logins->lock);
    }
    pthread_mutex_unlock(&logins->lock);
}

void logins_unblock(struct logins *logins) {
    char *url;
    pthread_mutex_lock(&logins->lock);
    logins->is_blocked = false;
    url = logins->url;
    logins->url = NULL;
    pthread_mutex_unlock(&logins->lock);
    if (url != NULL) {
        char *redirect_url = redirect_of(url);
        mcp_oauth_finish(logins->oauth, redirect_url, NULL); /* fails if the login was interrupted */
        free(redirect_url);
        free(url);
    }
}

void logins_free(struct logins *logins) {
    mcp_oauth_free(logins->oauth);
    release(logins);
}

void logins_check_destroyed(void) {
    double end = now_ms() + 60000; /* the library gives up token requests after 30 s */
    while (__sync_fetch_and_add(&destroyed, 0) < registered && now_ms() < end) {
        sleep_ms(1);
    }
    CHECK_SAYS(destroyed == registered, "%zu callbacks were destroyed, %zu were registered", destroyed, registered);
}

/*
 * glib: calls tools in a program with a GLib main loop, as GTK programs have. The loop never blocks.
 *
 *     glib URL [TOOL]
 *
 * It calls the tool ("slow" without an argument), shows its progress, and cancels it when Return is pressed.
 */
#include <glib-unix.h>
#include <mcp.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

struct application {
    GMainLoop *loop;
    mcp_client *client;
    mcp_queue *queue;
};

static bool show_progress(void *unused, double progress, double total, const char *message) {
    (void)unused;
    printf("%.0f", progress);
    if (total >= 0)
        printf(" of %.0f", total);
    printf(" %s\n", message ? message : "");
    return true; /* go on */
}

static void show_result(void *data, int32_t status, const mcp_json *result, const mcp_error *error) {
    struct application *application = data;
    puts(status == MCP_OK ? mcp_tool_result_text(result) : mcp_error_message(error));
    g_main_loop_quit(application->loop);
}

static void start(struct application *application, const char *tool) {
    mcp_options *options = mcp_options_new();
    mcp_options_set_queue(options, application->queue, show_result, application, NULL, NULL);
    mcp_options_set_progress(options, show_progress, NULL, NULL, NULL);
    mcp_call_tool(application->client, tool, NULL, 0, options, NULL, NULL);
    mcp_options_free(options);
}

/* The queue has something for the loop. */
static gboolean on_queue(gint descriptor, GIOCondition condition, gpointer data) {
    (void)descriptor, (void)condition;
    mcp_queue_dispatch(((struct application *)data)->queue, 0, NULL);
    return G_SOURCE_CONTINUE;
}

static gboolean on_key(gint descriptor, GIOCondition condition, gpointer data) {
    char key;
    (void)condition;
    if (read(descriptor, &key, 1) != 1)
        return G_SOURCE_REMOVE;
    mcp_queue_cancel(((struct application *)data)->queue, data);
    return G_SOURCE_CONTINUE;
}

int main(int argc, char **argv) {
    struct application application = {0};
    mcp_error *error = NULL;
    guint watch;
    if (argc < 2) {
        fprintf(stderr, "usage: glib URL [TOOL]\n");
        return 2;
    }
    application.loop = g_main_loop_new(NULL, FALSE);
    application.queue = mcp_queue_new(&error);
    application.client = application.queue ? mcp_client_new(argv[1], &error) : NULL;
    if (!application.client) {
        fprintf(stderr, "%s\n", mcp_error_message(error));
        return 1;
    }
    watch = g_unix_fd_add(mcp_queue_fd(application.queue), G_IO_IN, on_queue, &application);
    g_unix_fd_add(STDIN_FILENO, G_IO_IN, on_key, &application);
    start(&application, argc > 2 ? argv[2] : "slow");
    g_main_loop_run(application.loop);

    g_source_remove(watch); /* before its descriptor is closed */
    mcp_queue_free(application.queue);
    mcp_client_free(application.client);
    g_main_loop_unref(application.loop);
    return 0;
}

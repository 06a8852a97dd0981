// Server PORT KIND FOLDER: a server with the tool `echo`, on the Java SDK and Tomcat. KIND is stateless or streamable,
// both at /mcp, or sse, at /sse. Tomcat stores its files in FOLDER.

import com.fasterxml.jackson.databind.ObjectMapper;
import io.modelcontextprotocol.json.jackson.JacksonMcpJsonMapper;
import io.modelcontextprotocol.server.McpServer;
import io.modelcontextprotocol.server.McpServerFeatures;
import io.modelcontextprotocol.server.McpStatelessServerFeatures;
import io.modelcontextprotocol.server.transport.HttpServletSseServerTransportProvider;
import io.modelcontextprotocol.server.transport.HttpServletStatelessServerTransport;
import io.modelcontextprotocol.server.transport.HttpServletStreamableServerTransportProvider;
import io.modelcontextprotocol.spec.McpSchema;
import jakarta.servlet.http.HttpServlet;
import java.util.List;
import java.util.Map;
import org.apache.catalina.startup.Tomcat;

public final class Server {
    private static final JacksonMcpJsonMapper JSON = new JacksonMcpJsonMapper(new ObjectMapper());
    private static final McpSchema.ServerCapabilities TOOLS =
            McpSchema.ServerCapabilities.builder().tools(false).build();
    private static final McpSchema.Tool ECHO = McpSchema.Tool.builder()
            .name("echo")
            .description("Says ok.")
            .inputSchema(new McpSchema.JsonSchema("object", Map.of(), List.of(), null, null, null))
            .build();

    private static McpSchema.CallToolResult ok() {
        return McpSchema.CallToolResult.builder().addTextContent("ok").build();
    }

    private static McpServerFeatures.SyncToolSpecification echo() {
        return McpServerFeatures.SyncToolSpecification.builder()
                .tool(ECHO)
                .callHandler((exchange, request) -> ok())
                .build();
    }

    private static HttpServlet stateless() {
        var transport = HttpServletStatelessServerTransport.builder().jsonMapper(JSON).messageEndpoint("/mcp").build();
        McpServer.sync(transport)
                .serverInfo("libmcp-java", "1.2.3")
                .capabilities(TOOLS)
                .tools(new McpStatelessServerFeatures.SyncToolSpecification(ECHO, (context, request) -> ok()))
                .build();
        return transport;
    }

    private static HttpServlet streamable() {
        var transport =
                HttpServletStreamableServerTransportProvider.builder().jsonMapper(JSON).mcpEndpoint("/mcp").build();
        McpServer.sync(transport).serverInfo("libmcp-java", "1.2.3").capabilities(TOOLS).tools(echo()).build();
        return transport;
    }

    private static HttpServlet sse() {
        var transport = HttpServletSseServerTransportProvider.builder()
                .jsonMapper(JSON)
                .messageEndpoint("/message")
                .sseEndpoint("/sse")
                .build();
        McpServer.sync(transport).serverInfo("libmcp-java", "1.2.3").capabilities(TOOLS).tools(echo()).build();
        return transport;
    }

    public static void main(String[] words) throws Exception {
        HttpServlet servlet = switch (words[1]) {
            case "stateless" -> stateless();
            case "streamable" -> streamable();
            case "sse" -> sse();
            default -> throw new IllegalArgumentException(words[1]);
        };
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(words[2]);
        tomcat.setHostname("127.0.0.1");
        tomcat.setPort(Integer.parseInt(words[0]));
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        var context = tomcat.addContext("", words[2]);
        Tomcat.addServlet(context, "mcp", servlet).setAsyncSupported(true);
        context.addServletMappingDecoded("/*", "mcp");
        tomcat.start();
        tomcat.getServer().await();
    }
}

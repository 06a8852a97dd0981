//! The client that uses rmcp, the official Rust SDK: PROGRAM URL KIND COUNT [CA-FILE]. KIND is ping, cold, or the file
//! with the text that the server echoes. BENCH_VARIANT selects the HTTP client; see `http`.

mod http;
mod measure;

use std::error::Error;

use rmcp::model::{
    CallToolRequestParams, ClientCapabilities, ClientConfig, ClientRequest, Implementation, PingRequest,
    ProtocolVersion, RequestMetaObject,
};
use rmcp::service::RunningService;
use rmcp::{ClientLifecycleMode, ClientServiceExt, RoleClient};

use crate::measure::Task;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Client {
    service: RunningService<RoleClient, ClientConfig>,
    task: Task,
}

fn main() -> Result<()> {
    let task = Task::from_arguments()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = Client::connect(task).await?;
        measure::run(&client).await
    })
}

fn implementation() -> Implementation {
    Implementation::new("bench", "1")
}

impl Client {
    /// Connects with a fixed protocol version, so that rmcp does not send a probe.
    async fn connect(task: Task) -> Result<Client> {
        let lifecycle = if task.modern {
            ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
        } else {
            ClientLifecycleMode::Initialize
        };
        let config = ClientConfig::new(ClientCapabilities::default(), implementation())
            .with_protocol_version(ProtocolVersion::V_2025_11_25);
        let transport = http::transport(&task.url, task.authority.as_deref())?;
        let service = config.serve_with_lifecycle(transport, lifecycle).await?;
        Ok(Client { service, task })
    }

    async fn call(&self, number: u64) -> Result<()> {
        match (self.task.text.is_empty(), self.task.modern) {
            (false, _) => self.echo(number).await,
            (true, false) => self.ping().await,
            (true, true) => self.discover().await,
        }
    }

    async fn ping(&self) -> Result<()> {
        self.service.send_request(ClientRequest::PingRequest(PingRequest::default())).await?;
        Ok(())
    }

    async fn discover(&self) -> Result<()> {
        let mut meta = RequestMetaObject::new();
        meta.set_protocol_version(ProtocolVersion::V_2026_07_28);
        meta.set_client_info(implementation());
        meta.set_client_capabilities(ClientCapabilities::default());
        self.service.discover(meta).await?;
        Ok(())
    }

    async fn echo(&self, number: u64) -> Result<()> {
        let expected = &self.task.text;
        let arguments = [("text".to_owned(), expected.as_str().into())].into_iter().collect();
        let result = self.service.call_tool(CallToolRequestParams::new("echo").with_arguments(arguments)).await?;
        let content = result.content.first().and_then(|content| content.as_text());
        let text: &String = &content.ok_or("the result has no text")?.text;
        if text.len() != expected.len() || (number == 0 && text != expected) {
            return Err("the echoed text differs".into());
        }
        Ok(())
    }
}

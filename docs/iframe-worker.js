// The search of the site runs in a worker, which browsers refuse to pages that are opened as files. For these pages, this
// class runs the script of the worker in a hidden frame. Material's offline plugin would load such a class from unpkg.com.
class IFrameWorker extends EventTarget {
  constructor(url) {
    super();
    this.onmessage = this.onerror = null;
    const frame = document.createElement("iframe");
    frame.hidden = true;
    document.body.append(frame);
    this.scope = frame.contentWindow;
    this.scope.postMessage = (data) => this.receive(data);
    this.scope.importScripts = (...urls) => Promise.all(urls.map((each) => this.run(each)));
    this.started = this.run(url);
  }

  run(url) {
    return new Promise((resolve, reject) => {
      const script = this.scope.document.createElement("script");
      script.src = url;
      script.onload = resolve;
      script.onerror = reject;
      this.scope.document.body.append(script);
    });
  }

  receive(data) {
    const event = new MessageEvent("message", { data });
    this.dispatchEvent(event);
    if (this.onmessage) this.onmessage(event);
  }

  postMessage(data) {
    this.started.then(() => {
      const event = new MessageEvent("message", { data });
      this.scope.dispatchEvent(event);
    });
  }

  terminate() {
    this.scope.frameElement.remove();
  }
}

if (location.protocol === "file:") {
  window.IFrameWorker = IFrameWorker;
  window.Worker = IFrameWorker;
}

# The function as a container image, instead of the zip that `sam build` makes, and the HTTP server as one:
#
#   docker build -t foundry .
#   docker run foundry                                  Lambda's runtime client, where Lambda runs it
#   docker run -p 8080:8080 -p 50060:50060 foundry python -m handler.server --host 0.0.0.0
#
# Its environment is the function's (docs/operating.md, Settings).
FROM python:3.13-slim AS packages
COPY requirements-image.lock /
RUN pip install --no-cache-dir --require-hashes --only-binary :all: --target /packages -r /requirements-image.lock

FROM python:3.13-slim
ENV PYTHONPATH=/function:/packages PYTHONUNBUFFERED=1
WORKDIR /function
COPY --from=packages /packages /packages
COPY handler handler
COPY actions actions
COPY services services
COPY events events
RUN python -m compileall -q /function /packages
USER nobody
CMD ["python", "-m", "awslambdaric", "handler.app.lambda_handler"]

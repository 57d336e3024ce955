# async_status
